import { openSource } from '../../app/explore.ts';
import { type ListedPath, listPaths } from '../../explore/list-paths.ts';
import { chooseLayer, locatePath } from '../../explore/locate-path.ts';
import { cleanPath } from '../../layer/entry-paths.ts';
import { safeJson, safeText } from '../build-view/safe-text.ts';
import { modeText, timeText } from '../mode-text.ts';
import { SOURCE_OPTIONS, sourceOptions } from '../source-options.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';

/** So that a slow reader is waited for. */
const LINES_AT_ONCE = 500;

export const command: CommandSpec = {
  name: 'ls',
  aliases: [],
  summary: 'List files of an image, of any of its layers',
  usage: '[OPTIONS] IMAGE [PATH]',
  arity: [1, 2],
  options: [
    { flags: '-l, --long', summary: 'mode, owner, size, time and the layer that stores it', common: true },
    { flags: '-R, --recursive', summary: 'everything below, a whole path a line', common: true },
    { flags: '-a, --all', summary: 'also what layers removed, with the layer that did', common: true },
    { flags: '--layer <n>', summary: 'the image as it is after this layer; 0 is the base', common: true },
    { flags: '--json', summary: 'a list of objects' },
    ...SOURCE_OPTIONS,
  ],
  examples: ['dobos ls app /etc', 'dobos ls -lR --layer 1 app.tar /data', 'dobos ls -a docker://debian:12 /'],
  async run({ app, terminal, args, options, signal }) {
    const [image = '', path = '/'] = args;
    const { exploration, close } = await openSource(app, image, {
      ...sourceOptions(app, terminal, options),
      bare: true,
      signal,
    });
    try {
      const layer = chooseLayer(exploration, image, textOption(options, 'layer'));
      const how = { recursive: flagOption(options, 'recursive'), deleted: flagOption(options, 'all') };
      const top = how.deleted ? { path: cleanPath(path) } : locatePath(exploration, layer, path);
      const listed = listPaths(exploration, layer, top.path, how);
      const first = listed.next();
      // With --all a directory that is gone may still be listed; what never was there is told as such.
      if (first.done === true && how.deleted) locatePath(exploration, layer, path);
      const rows = first.done === true ? [] : chain(first.value, listed);
      const asJson = flagOption(options, 'json');
      const long = flagOption(options, 'long');
      const shownOf = (row: ListedPath): string =>
        how.recursive || row.path === top.path
          ? `/${row.path}`
          : row.path.slice(row.path.lastIndexOf('/') + 1);
      let lines: string[] = [];
      let count = 0;
      if (asJson) await terminal.out('[');
      for (const row of rows) {
        signal.throwIfAborted();
        if (asJson) lines.push(`${count === 0 ? '' : ','}\n${safeJson(jsonRow(row))}`);
        else lines.push(`${long ? longRow(row, shownOf(row)) : shortRow(row, shownOf(row))}\n`);
        count++;
        if (lines.length < LINES_AT_ONCE) continue;
        await terminal.out(lines.join(''));
        lines = [];
      }
      await terminal.out(`${lines.join('')}${asJson ? '\n]\n' : ''}`);
      return 0;
    } finally {
      await close();
    }
  },
};

function* chain(first: ListedPath, rest: Iterable<ListedPath>): Iterable<ListedPath> {
  yield first;
  yield* rest;
}

const mark = ({ deletedBy, inode }: ListedPath): string =>
  deletedBy === undefined ? '' : `  (removed by layer ${deletedBy}, stored in layer ${inode.layer})`;

const shortRow = (row: ListedPath, shown: string): string => `${safeText(shown)}${mark(row)}`;

function longRow(row: ListedPath, shown: string): string {
  const { inode } = row;
  const { uid, gid, mtime, size, device, linkTo } = inode;
  const bytes = device === undefined ? String(size) : `${device.major}, ${device.minor}`;
  const target = inode.kind === 'symlink' ? ` -> ${safeText(linkTo ?? '')}` : '';
  const cells = [
    modeText(inode),
    `${uid}:${gid}`.padStart(9),
    bytes.padStart(11),
    timeText(mtime.seconds),
    String(inode.layer).padStart(3),
  ];
  return `${cells.join('  ')}  ${safeText(shown)}${target}${mark(row)}`;
}

function jsonRow({ path, inode, deletedBy }: ListedPath): object {
  const { kind, mode, uid, gid, size, mtime, linkTo, device, contentDigest, layer } = inode;
  return {
    path: `/${path}`,
    type: kind,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: mtime.seconds,
    ...(linkTo === undefined || kind !== 'symlink' ? {} : { target: linkTo }),
    ...(device === undefined ? {} : { device }),
    ...(contentDigest === undefined ? {} : { digest: contentDigest }),
    layer,
    ...(deletedBy === undefined ? {} : { deletedBy }),
  };
}
