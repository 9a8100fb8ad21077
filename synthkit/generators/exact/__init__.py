"""What must hold in every row: conditions as quotas, declared inequalities, rejection."""
