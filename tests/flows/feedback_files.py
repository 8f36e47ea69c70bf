"""Small files of feedback."""

import json


def write_pairs(path, count=6, topic="battery", broken=0):
    """`count` sound comparisons, then `broken` lines that are no JSON."""
    rows = [
        {
            "prompt": f"Review the {topic} {n}.",
            "chosen": f"It lasts {n} hours.",
            "rejected": f"It is a {topic} {n}.",
        }
        for n in range(count)
    ]
    lines = [json.dumps(row) for row in rows] + ["{broken"] * broken
    path.write_text("\n".join(lines) + "\n")
    return path
