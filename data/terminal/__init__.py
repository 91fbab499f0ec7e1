"""What all command lines share: safe text, tables, progress, errors as sentences."""
