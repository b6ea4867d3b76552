"""The encoders behind one plain interface: a frozen trunk, whose output can be cached, and a tail.

A trunk's output is what training caches by content hash; the tail (the last blocks, possibly none) may be
fine-tuned, and then travels in the artifact.
"""

from tagger.encoders.image import ImageEncoder, load_image_encoder
from tagger.encoders.text import TextEncoder, load_text_encoder

__all__ = ["ImageEncoder", "TextEncoder", "load_image_encoder", "load_text_encoder"]
