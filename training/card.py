"""The model card that travels in an artifact: what it is, what it learned from, and how good it is."""

from tagger.artifact import Artifact


def model_card(artifact: Artifact) -> str:
    """The card in Markdown, made from the manifest alone, so that the two cannot disagree."""
    about, config = artifact.about, artifact.config
    height, width = config.poster_size
    data = about["data"]
    lines = [
        f"# {about['name']}: a genre tagger for movies",
        "",
        f"From a movie's title, plot, year and poster to {len(config.genres)} genres:",
        f"{', '.join(config.genres)}.",
        "",
        f"- Text: {config.text_encoder}, last {config.text_tail} blocks trained; {config.max_tokens} tokens.",
        f"- Poster: {config.image_encoder}, last {config.image_tail} blocks trained; {width} × {height} px.",
        f"- Fusion: {config.members} of {config.layers} layers; {config.lexicon_size} TF-IDF terms.",
        f"- Trained on {data['movies']} movies (data SHA-256 {data['sha256'][:16]}…).",
        "",
        f"Measured on {about['metrics']['measured_on']}:",
        "",
        "| movie has | mAP | micro-F1 | macro-F1 | ECE |",
        "|---|---|---|---|---|",
    ]
    for pattern, name in (("both", "plot and poster"), ("plot", "plot only"), ("poster", "poster only")):
        found = about["metrics"][pattern]
        cells = [f"{found[k]['value']:.3f}" for k in ("map", "f1_micro", "f1_macro")]
        lines.append(f"| {name} | {' | '.join(cells)} | {found['ece']:.3f} |")
    lines += [
        "",
        "Labels are those of TMDB, on which its own users do not always agree. Plots were English.",
        "Confidences hold for catalogs like the one that the model learned from.",
        "",
        about["licences"]["data"],
        "",
    ]
    return "\n".join(lines)
