"""The model card that travels in an artifact: what it is, what it learned from, and how good it is."""

from typing import Any

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
    if "test" in about["metrics"]:
        lines += _test_lines(about["metrics"]["test"])
    lines += [
        "",
        "Labels are those of TMDB, on which its own users do not always agree. Plots were English.",
        "Confidences hold for catalogs like the one that the model learned from.",
        "",
        about["licences"]["data"],
        "",
    ]
    return "\n".join(lines)


def _test_lines(test: dict[str, Any]) -> list[str]:
    """The scores on movies on which nothing was chosen."""
    up, down = test["bands"]["accepted"], test["bands"]["rejected"]
    parts = {"plot and poster": test, "plot only": test["by_pattern"]["plot_only"],
             "poster only": test["by_pattern"]["poster_only"]}  # fmt: skip
    rows = [
        f"| {name} | {row['map']:.3f} | {row['f1_micro']:.3f} | {row['f1_macro']:.3f} | {row['ece']:.3f} |"
        for name, row in parts.items()
    ]
    return [
        "",
        f"On {test['movies']} further movies, on which nothing was trained or chosen:",
        "",
        "| movie has | mAP | micro-F1 | macro-F1 | ECE |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Accepted without an editor: {up['pairs']} tags, {_percent(up['precision'])} of them right;",
        f"{_percent(up['recall'])} of all labels. Rejected: {_percent(down['coverage'])} of all pairs,",
        f"{_percent(down['negative_value'])} of them right.",
    ]


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"
