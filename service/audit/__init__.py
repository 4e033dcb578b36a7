"""The record: what makes a kept change provable. Pure; the store writes what is worked out here."""
