"""From photographs or a video to posed scene files: `stylized-nerf capture`.

Frames or photographs come upright into the scene's folder, structure from
motion finds their cameras, and these are turned upright and scaled. What calls
pycolmap is `structure.py`, what calls ffmpeg `video_frames.py`.
"""
