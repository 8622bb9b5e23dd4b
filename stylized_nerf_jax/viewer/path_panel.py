"""The page's camera path: keys, preview, files, films."""

import datetime
import threading
import time

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.scenes import camera_path, camera_path_file
from stylized_nerf_jax.tasks import film_plan
from stylized_nerf_jax.viewer import film_job, path_editor, style_panel
from stylized_nerf_jax.viewer.panel_page import Page

_NO_KEYS = "no keys yet"
_PREVIEW_SECONDS = 1 / 15
_POINTS_A_KEY = 24
_LINE, _KEY = (255, 170, 60), (255, 110, 40)


class PathPanel:
  """Of one client.

  Args:
    page: that it is on, whose tab is open.
  """

  def __init__(self, page: Page):
    self._page, self._gui = page, page.client.gui
    self._editor = path_editor.PathEditor()
    self._job: film_job.FilmJob | None = None
    self._playing = threading.Event()
    self._quiet = False
    self._drawn: list = []
    self._gizmo = None
    self._keys()
    self._whole()
    self._files()
    self._film()
    self._said = self._gui.add_markdown("")
    self._redraw()

  def close(self) -> None:
    """Ends what goes on; the client has gone."""
    self._playing.clear()
    if self._job is not None:
      self._job.cancel()

  def join(self, seconds: float) -> bool:
    """Waits for a film that was cancelled; returns whether it has ended."""
    return self._job is None or self._job.join(seconds)

  def _keys(self) -> None:
    gui = self._gui
    add = gui.add_button(
      "Add key", hint="The view, style and intensity that are shown now"
    )
    self._chosen = gui.add_dropdown("Key", (_NO_KEYS,))
    self._seconds = gui.add_number(
      "Seconds to it", path_editor.STEP_SECONDS, min=0.01, max=600.0, step=0.1
    )
    self._fov = gui.add_slider("Its field of view", 5.0, 120.0, 0.5, 50.0)
    self._edit = gui.add_button_group(
      "Make it", ("go there", "this view", "this style", "delete")
    )
    self._move = gui.add_checkbox("Move it in 3D", False)
    add.on_click(lambda _: self._add())
    self._chosen.on_update(lambda _: self._choose())
    self._seconds.on_update(lambda _: self._change_seconds())
    self._fov.on_update(lambda _: self._change(fov=self._fov.value))
    self._edit.on_click(lambda _: self._edited(self._edit.value))
    self._move.on_update(lambda _: self._draw_gizmo())

  def _whole(self) -> None:
    gui, editor = self._gui, self._editor
    with gui.add_folder("Path"):
      self._loop = gui.add_checkbox("Loop", False)
      self._size = gui.add_vector2(
        "Size",
        (float(editor.width), float(editor.height)),
        min=(16, 16),
        max=(8192, 8192),
        step=2,
      )
      self._fps = gui.add_number("Frames a second", 24.0, min=1.0, max=120.0)
      self._tension = gui.add_slider(
        "Tension", 0.0, 1.0, 0.01, 0.0, hint="1 stops at every key"
      )
      self._play = gui.add_button("Play")
    for dial in (self._loop, self._size, self._fps, self._tension):
      dial.on_update(lambda _: self._set_whole())
    self._play.on_click(lambda _: self._toggle_play())

  def _files(self) -> None:
    gui = self._gui
    with gui.add_folder("File"):
      self._name = gui.add_text("Name", f"{datetime.datetime.now():%m%d-%H%M}")
      save = gui.add_button("Save", hint="JSON that nerfstudio reads, too")
      load = gui.add_upload_button("Load", mime_type="application/json")
      self._force = gui.add_checkbox(
        "Even of another scene", False, hint="As `render --force`"
      )
    save.on_click(lambda _: self._guarded(self._save))
    load.on_upload(
      lambda event: self._guarded(lambda: self._load(event.target.value))
    )

  def _film(self) -> None:
    gui = self._gui
    with gui.add_folder("Film"):
      self._render = gui.add_button("Render film")
      self._cancel = gui.add_button("Cancel", visible=False)
      self._bar = gui.add_progress_bar(0.0, visible=False)
      self._command = gui.add_text(
        "The same as a command",
        "",
        multiline=True,
        hint="Copy it to a terminal",
      )
    self._render.on_click(lambda _: self._guarded(self._start_film))
    self._cancel.on_click(lambda _: self._job and self._job.cancel())

  @property
  def _number(self) -> int | None:
    if self._chosen.value == _NO_KEYS or not len(self._editor):
      return None
    place = int(self._chosen.value.partition(" ")[0]) - 1
    return min(place, len(self._editor) - 1)

  def _guarded(self, act) -> None:
    """Does something, and says in the page what is wrong with it."""
    try:
      act()
    except (user_error.UserError, OSError) as error:
      self._say(f"**{error}**")

  def _say(self, line: str) -> None:
    self._said.content = line

  def _present(self) -> camera_path.Moment | None:
    camera, dials = self._page.session.camera, self._page.session.dials
    if camera is None:
      return None
    return camera_path.Moment(
      camera.camera_to_world,
      camera_path.fov_of(camera),
      dials.style or {},
      dials.intensity,
    )

  def _add(self) -> None:
    moment = self._present()
    if moment is None:
      return
    self._redraw(self._editor.add(moment, self._number))

  def _edited(self, what: str) -> None:
    number, present = self._number, self._present()
    if number is None or present is None:
      return
    if what == "delete":
      self._editor.remove(number)
      self._redraw(max(0, number - 1))
    elif what == "go there":
      self._show(self._editor.moments[number])
    elif what == "this view":
      self._change(camera_to_world=present.camera_to_world, fov=present.fov)
      self._redraw(number)
    else:
      self._change(styles=present.styles, intensity=present.intensity)
      self._redraw(number)

  def _change(self, **fields) -> None:
    if self._quiet or self._number is None:
      return
    self._editor.change(self._number, **fields)
    self._draw()

  def _change_seconds(self) -> None:
    if self._quiet or self._number is None:
      return
    self._editor.steps[self._number] = max(0.01, float(self._seconds.value))
    self._redraw(self._number)

  def _set_whole(self) -> None:
    if self._quiet:
      return
    editor = self._editor
    editor.loop, editor.fps = self._loop.value, float(self._fps.value)
    editor.width, editor.height = (int(side) for side in self._size.value)
    editor.tension = float(self._tension.value)
    self._draw()

  def _choose(self) -> None:
    if self._quiet or self._number is None:
      return
    self._redraw(self._number)

  def _redraw(self, number: int = 0) -> None:
    """Writes the editor's state into the page."""
    editor = self._editor
    self._quiet = True
    names = [f"{i + 1} at {editor.time(i):.1f} s" for i in range(len(editor))]
    self._chosen.options = tuple(names) or (_NO_KEYS,)
    self._chosen.value = names[number] if names else _NO_KEYS
    if names:
      self._seconds.value = round(editor.steps[number], 3)
      self._fov.value = float(np.clip(editor.moments[number].fov, 5, 120))
    self._loop.value, self._fps.value = editor.loop, editor.fps
    self._size.value = (float(editor.width), float(editor.height))
    self._tension.value = editor.tension
    self._quiet = False
    self._draw()
    self._draw_gizmo()

  def _draw(self) -> None:
    """Draws keys and spline in the scene, for this client."""
    for node in self._drawn:
      node.remove()
    self._drawn.clear()
    editor, world = self._editor, self._page.viewer.world
    scene = self._page.client.scene
    for i, moment in enumerate(editor.moments):
      wxyz, position = world.pose(moment.camera_to_world)
      self._drawn.append(
        scene.add_camera_frustum(
          f"/path/key{i}",
          fov=np.radians(moment.fov),
          aspect=editor.width / editor.height,
          scale=0.5 * self._page.viewer.frustum_scale,
          color=_KEY,
          thickness=2.0,
          thickness_units="screen",
          wxyz=wxyz,
          position=position,
        )
      )
    if len(editor) > 1:
      path = editor.path()
      points = world.point(path.centers(_POINTS_A_KEY * len(editor)))
      self._drawn.append(
        scene.add_line_segments(
          "/path/spline",
          points=np.stack([points[:-1], points[1:]], axis=1).astype("float32"),
          colors=_LINE,
          thickness=2.0,
          thickness_units="screen",
        )
      )
    self._write_command()

  def _draw_gizmo(self) -> None:
    if self._gizmo is not None:
      self._gizmo.remove()
      self._gizmo = None
    number = self._number
    if number is None or not self._move.value:
      return
    world = self._page.viewer.world
    wxyz, position = world.pose(self._editor.moments[number].camera_to_world)
    gizmo = self._page.client.scene.add_transform_controls(
      "/path/gizmo",
      scale=self._page.viewer.frustum_scale,
      wxyz=wxyz,
      position=position,
    )
    self._gizmo = gizmo

    @gizmo.on_update
    def _(_):
      pose = world.camera_to_world(gizmo.wxyz, gizmo.position)
      self._change(camera_to_world=pose)

  def _show(self, moment: camera_path.Moment) -> None:
    self._page.look_from(moment.camera_to_world, moment.fov)
    if moment.styles is not None:
      self._page.styles.show(dict(moment.styles), moment.intensity)

  def _toggle_play(self) -> None:
    if self._playing.is_set():
      self._playing.clear()
    elif len(self._editor) > 1:
      self._playing.set()
      self._play.label = "Stop"
      threading.Thread(target=self._run_preview, daemon=True).start()

  def _run_preview(self) -> None:
    """Moves the client's camera along the path, in the time of the path."""
    before, dials = self._present(), self._page.session.dials
    path, start = self._editor.path(), time.monotonic()
    while self._playing.is_set():
      seconds = time.monotonic() - start
      if seconds > path.seconds:
        break
      moment = path.at(seconds)
      self._page.look_from(moment.camera_to_world, moment.fov)
      if moment.styles is not None:
        self._page.session.turn(
          weights=moment.styles, intensity=moment.intensity
        )
      time.sleep(_PREVIEW_SECONDS)
    self._playing.clear()
    self._play.label = "Play"
    self._page.session.turn(weights=dials.weights, intensity=dials.intensity)
    if before is not None:
      self._page.look_from(before.camera_to_world, before.fov)

  def _place(self, ending: str):
    stem = "".join(c for c in self._name.value if c.isalnum() or c in "-_ ")
    return self._page.viewer.out / f"{stem.strip() or 'path'}{ending}"

  def _save(self):
    """Writes the path into the run, and hands it to the client."""
    text = camera_path_file.as_text(
      self._editor.path(), self._page.viewer.model.scene
    )
    file = self._place(".json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    self._page.client.send_file_download(file.name, text.encode())
    self._say(f"saved `{file}`")

  def _load(self, dropped) -> None:
    text = dropped.content.decode("utf-8", errors="replace")
    path = camera_path_file.from_text(
      text,
      self._page.viewer.model.scene,
      where=dropped.name,
      force=self._force.value,
    )
    self._editor.take(path)
    self._redraw()
    self._say(f"{len(path.keys)} keys of {dropped.name}")

  def _write_command(self) -> None:
    if not len(self._editor):
      self._command.value = ""
      return
    self._command.value = style_panel.command(
      self._page.viewer.source,
      self._place(".json"),
      self._place(".mp4"),
      self._page.session.dials,
    )

  def _start_film(self) -> None:
    video.check_available()
    viewer, dials = self._page.viewer, self._page.session.dials
    path, out = self._editor.path(), self._place(".mp4")
    out.parent.mkdir(parents=True, exist_ok=True)
    camera_path_file.write(path, viewer.model.scene, self._place(".json"))
    self._write_command()
    plan = film_plan.of_camera_path(viewer.model, path, source=out.stem)
    options = {"spread": dials.spread, "palette": dials.palette}
    options |= {"transfer": dials.transfer}
    if dials.regions:
      options |= {"regions": dials.regions, "feather": dials.feather}
    self._render.visible, self._cancel.visible = False, True
    self._bar.value, self._bar.visible = 0.0, True
    self._job = film_job.FilmJob(
      viewer.model, plan, out, dials=options, tell=self._tell, ended=self._ended
    )
    self._job.start()

  def _tell(self, done: int, total: int) -> None:
    self._bar.value = 100.0 * done / total
    self._say(f"frame {done} of {total}")

  def _ended(self, out, error: Exception | None) -> None:
    self._render.visible, self._cancel.visible = True, False
    self._bar.visible = False
    if error is not None:
      self._page.report("the film could not be rendered", error)
      self._say(f"**the film could not be rendered: {error}**")
    elif out is None:
      self._say("cancelled; nothing was written")
    else:
      self._say(f"wrote `{out}`")
      self._page.client.send_file_download(out.name, out.read_bytes())
