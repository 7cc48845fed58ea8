// What is wider than the screen, what is tapped and smaller than 48 px, what is tapped and has no name.
() => {
  const main = document.querySelector("main");
  const kinds = ".app :is(a, button, input, select, textarea, summary)";
  const tapped = [...document.querySelectorAll(kinds)].filter(
    (one) => !one.classList.contains("unseen") && one.checkVisibility() && one.offsetWidth,
  );
  const small = tapped.filter((one) => {
    const { width, height } = one.getBoundingClientRect();
    return height < 47.5 || width < 43.5;
  });
  const isNamed = (one) => one.innerText?.trim() || one.ariaLabel || one.labels?.length;
  const show = (ones) => ones.map((one) => one.outerHTML);
  const nameless = tapped.filter((one) => !isNamed(one));
  return { wide: main.scrollWidth - main.clientWidth, small: show(small), nameless: show(nameless) };
}
