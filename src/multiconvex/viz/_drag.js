(() => {
  const box = document.currentScript.parentElement;
  const {normals, offsets, inner, near, far, centre, basis, data, scales, frame} =
    JSON.parse(box.dataset.plane);
  const [place, depth] = box.querySelectorAll("input");
  const stage = box.querySelector(".mbx-plane");
  const cross = (a, b) => a[0] * b[1] - a[1] * b[0];
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];

  // Along the tangent of the data to the border: the factorisation that a component belongs to.
  function follow(point, turn) {
    const middle = [-point[0], -point[1]];
    let best = Infinity, way;
    for (const corner of inner) {
      const to = minus(corner, point);
      const angle = turn * Math.atan2(cross(middle, to), dot(middle, to));
      if (angle < best) [best, way] = [angle, to];
    }
    let step = Infinity;
    normals.forEach((normal, k) => {
      const rate = dot(normal, way);
      if (rate < 0) step = Math.min(step, -(dot(normal, point) + offsets[k]) / rate);
    });
    return [point[0] + step * way[0], point[1] + step * way[1]];
  }

  function shares(corners, point) {
    const [a, b, c] = corners;
    const area = cross(minus(b, a), minus(c, a));
    const second = cross(minus(point, a), minus(c, a)) / area;
    const third = cross(minus(b, a), minus(point, a)) / area;
    return [1 - second - third, second, third];
  }

  function curve(name, q, values, top) {
    const panel = frame[name];
    const points = values.map((value, k) => [
      panel[0] + (panel[2] * k) / (values.length - 1),
      panel[1] + panel[3] * (1 - value / top),
    ]);
    box.querySelector(`.mbx-${name}-${q}`).setAttribute("points", points.map(String).join(" "));
  }

  const screen = ([x, y]) => [
    frame.plane[0] + frame.plane[2] * (x - frame.plane[1]),
    frame.plane[3] - frame.plane[2] * (y - frame.plane[4]),
  ];

  function show() {
    const [k, t] = [Number(place.value), Number(depth.value) / 100];
    const point = [0, 1].map((i) => (1 - t) * near[k][i] + t * far[k][i]);
    const corners = [point, follow(point, 1), follow(point, -1)];
    const shown = corners.map(screen);
    stage.querySelector(".mbx-triangle").setAttribute("points", shown.map(String).join(" "));
    shown.forEach(([x, y], q) => {
      const dot = stage.querySelector(`.mbx-corner-${q}`);
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
    });
    const weights = data.map((a, j) => shares(corners, a).map((share) => share * scales[j]));
    corners.forEach((a, q) => {
      curve("W", q, centre.map((c, i) => c + basis[i][0] * a[0] + basis[i][1] * a[1]), frame.W[4]);
      curve("H", q, weights.map((row) => row[q]), frame.H[4]);
    });
    for (const input of [place, depth]) {
      const text = input === place ? `${k + 1} of ${near.length}` : `${depth.value}%`;
      input.nextElementSibling.value = text;
      input.setAttribute("aria-valuetext", text);
    }
  }

  // The pointer chooses the nearest direction, and the depth along it.
  function drag(event) {
    const view = stage.getBoundingClientRect();
    const scale = stage.viewBox.baseVal.width / view.width;
    const at = [
      ((event.clientX - view.left) * scale - frame.plane[0]) / frame.plane[2] + frame.plane[1],
      (frame.plane[3] - (event.clientY - view.top) * scale) / frame.plane[2] + frame.plane[4],
    ];
    let best = -Infinity, k = 0;
    near.forEach((ray, number) => {
      const cosine = dot(ray, at) / Math.hypot(...ray) / Math.hypot(...at);
      if (cosine > best) [best, k] = [cosine, number];
    });
    const room = minus(far[k], near[k]);
    const t = dot(minus(at, near[k]), room) / Math.max(dot(room, room), 1e-30);
    place.value = k;
    depth.value = 100 * Math.min(Math.max(t, 0), 1);
    show();
  }

  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    drag(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) drag(event);
  });
  place.addEventListener("input", show);
  depth.addEventListener("input", show);
  show();
})();
