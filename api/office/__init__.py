"""The office of one or several institutions: who works there, what each may do, and their pages."""
