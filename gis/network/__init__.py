"""Sewers as a graph: topology, traces, profiles, surveys, condition, desilting."""
