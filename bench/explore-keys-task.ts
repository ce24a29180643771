/**
 * How long the terminal explorer takes from a key to the bytes of its screen, at 200×50, without a terminal: `explore-keys-task.js STORE IMAGE` prints JSON:
 * milliseconds from the open store to the first screen, and for each kind of key the median and the longest of all its presses.
 * @module
 */
import { type Canvas, createCanvas, paintDifference } from '../src/cli/explore-ui/canvas.ts';
import { createExplorer } from '../src/cli/explore-ui/explorer.ts';
import { createSubject } from '../src/cli/explore-ui/state.ts';
import { openExploration } from '../src/explore/explore-image.ts';
import { lookUpImage } from '../src/image/find-image.ts';
import { hostPlatform } from '../src/oci/platform.ts';
import { createDirectoryStore } from '../src/store/directory-store.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const store = createDirectoryStore(folder);
const platform = hostPlatform(process.platform, process.arch);
const { image } = await lookUpImage(store, name, { platform, orPresent: true });

const began = performance.now();
const exploration = await openExploration(store, image);
const opened = performance.now();
const nothing = (): void => {};
const explorer = createExplorer(createSubject(name, exploration), {
  read: async () => ({ bytes: new Uint8Array(), size: 0 }),
  extract: async () => '',
  changed: nothing,
  redraw: nothing,
  suspend: nothing,
  quit: nothing,
});
let shown: Canvas | undefined;
const draw = (): void => {
  const canvas = createCanvas(200, 50);
  explorer.draw(canvas);
  paintDifference(shown, canvas, true);
  shown = canvas;
};
draw();
const first = performance.now();
while (explorer.work(6));
const counted = performance.now();

/** As the program does it: the key, work for one slice, the screen. */
const press = (key: string): number => {
  const from = performance.now();
  explorer.press({ key });
  explorer.work(6);
  draw();
  const took = performance.now() - from;
  while (explorer.work(6));
  draw();
  return took;
};
const times: Record<string, { readonly median: number; readonly most: number }> = {};
const measure = (what: string, keys: readonly string[]): void => {
  const all = keys.map(press).sort((a, b) => a - b);
  times[what] = { median: all[Math.floor(all.length / 2)]!, most: all.at(-1)! };
};
const repeat = (keys: readonly string[], count: number): string[] =>
  Array.from({ length: count }, () => keys).flat();

measure('layers', repeat(['down', 'up'], 20));
press('tab');
measure('down', repeat(['down'], 200));
measure('page', repeat(['pagedown'], 100));
measure('end and home', repeat(['end', 'home'], 10));
measure('fold all', repeat(['ctrl+space'], 10));
measure('left out', repeat(['ctrl+u', 'ctrl+u', 'enter', 'enter'], 5));
measure('sort', repeat(['ctrl+o'], 6));
press('ctrl+f');
measure('filter', [...'file-4711']);
press('esc');
press('/');
for (const letter of '99.txt') press(letter);
press('enter');
measure('search', repeat(['n'], 20));
const peak = process.resourceUsage().maxRSS * 1024;
console.log(
  JSON.stringify({ opened: opened - began, first: first - began, counted: counted - began, times, peak }),
);
