"""From kinds and questions to maps: the live page, the portable file, legends."""
