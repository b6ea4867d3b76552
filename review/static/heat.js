// The heat map over the poster: amber where a region spoke for the genre, blue where it spoke against it.

/**
 * Draw it, and say in words where it is strongest; an empty answer where there is no poster. The less of the
 * evidence came from the poster (`share`, 0 to 1), the fainter it is.
 */
export function paint(canvas, regions, name, share) {
  const rows = regions.length;
  const columns = rows ? regions[0].length : 0;
  if (!columns) return "";
  const style = getComputedStyle(document.documentElement);
  const colour = (token) => style.getPropertyValue(token).split(",").map(Number);
  const [good, bad] = [colour("--for-word"), colour("--against-word")];
  const most = Math.max(1e-9, ...regions.flat().map(Math.abs));
  canvas.width = columns;
  canvas.height = rows;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  regions.flat().forEach((weight, place) => {
    const [red, green, blue] = weight < 0 ? bad : good;
    image.data.set([red, green, blue, Math.round(210 * Math.sqrt(share) * (Math.abs(weight) / most) ** 0.8)], 4 * place);
  });
  pen.putImageData(image, 0, 0);
  const said = where(regions, rows, columns);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Heat map over the poster: what spoke for ${name}. ${said}`);
  canvas.hidden = false;
  return said;
}

function where(regions, rows, columns) {
  const flat = regions.flat();
  const best = flat.indexOf(Math.max(...flat));
  if (flat[best] <= 0) return "No region of the poster spoke for it.";
  const third = (place, count, names) => names[Math.min(2, Math.floor((3 * (place + 0.5)) / count))];
  const row = third(Math.floor(best / columns), rows, ["top", "middle", "bottom"]);
  const column = third(best % columns, columns, ["left", "centre", "right"]);
  const place = row === "middle" && column === "centre" ? "in the middle" : `at the ${row} ${column}`;
  return `The poster spoke for it most ${place}.`;
}
