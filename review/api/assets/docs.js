"use strict";

// The manual: Swagger UI over the API's own OpenAPI document. Nothing is asked of any other host.
window.SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#manual",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  validatorUrl: null,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
