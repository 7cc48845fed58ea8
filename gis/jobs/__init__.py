"""Long work done beside the questions: backup, restore, the nightly run."""
