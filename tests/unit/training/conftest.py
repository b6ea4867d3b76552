from tests.unit.tagger.fixtures import _small_encoders, artifact, encoder_root, predictor

__all__ = ["_small_encoders", "artifact", "encoder_root", "predictor"]
