"""Benchmarks: what the engine and the service cost, each as a ratio against something measured in the same run.

Nothing here is a test and nothing fails by time: a missed target is printed as `missed`, for a person to
judge.
"""
