"""Commands for what goes in: photographs, scenes, paintings, fields."""
