"""What is wrong with what a user gave: told in a line, without traceback."""


class UserError(ValueError):
  """An input that cannot be used.

  Its message is one line that names the file or argument, what was found, what
  was expected and what to do. Any other exception that leaves a command is a
  defect of this program, and keeps its traceback.
  """
