import { type SquashedImage, type SquashFrom, squashImage } from '../../app/squash-image.ts';
import { imageId } from '../../image/image-id.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, flagOption, type OptionValues, textOption } from '../spec.ts';
import { formatSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'squash',
  aliases: [],
  summary: 'Make one layer of several, and prove that the files are the same',
  usage: '[OPTIONS] IMAGE',
  arity: [1, 1],
  options: [
    { flags: '-t, --tag <name>', summary: 'name the result; it may be the same name', common: true },
    { flags: '--last <n>', summary: 'squash the newest `n` layers, not all', common: true },
    {
      flags: '-f, --from-layer <layer>',
      summary: 'squash from here up: a layer by number (0 is the base) or digest, or an image that stays',
      common: true,
    },
    { flags: '-q, --quiet', summary: 'print the id only' },
  ],
  examples: [
    'dobos squash app -t app:small',
    'dobos squash app --last 3 -t app:small',
    'dobos squash app --from-layer debian:bookworm -t app:small',
  ],
  limits: ['Of an image for several platforms, the one for this machine is squashed.'],
  async run({ app, terminal, args, options, signal }) {
    const squashed = await squashImage(
      app,
      { image: args[0]!, from: squashFrom(options), name: textOption(options, 'tag') },
      { signal },
    );
    if (!flagOption(options, 'quiet')) terminal.err(squashReport(args[0]!, squashed));
    await terminal.out(`${imageId(squashed.image)}\n`);
    return 0;
  },
};

/** @throws CLI_USAGE */
function squashFrom(options: OptionValues): SquashFrom {
  const [last, from] = [textOption(options, 'last'), textOption(options, 'fromLayer')];
  const wrong = (problem: string): Error => cliError('CLI_USAGE', { command: 'squash', problem });
  if (last !== undefined && from !== undefined) throw wrong('--last and --from-layer exclude each other');
  if (from !== undefined) return { kind: 'from', text: from };
  if (last === undefined) return { kind: 'all' };
  if (!/^[1-9]\d{0,3}$/.test(last)) throw wrong(`--last ${JSON.stringify(last)}, want a number of layers`);
  return { kind: 'last', count: Number(last) };
}

/** What was saved, what was lost, and that the files are the same. */
function squashReport(from: string, { before, image, name, report, view, sizes }: SquashedImage): string {
  const shown = name === undefined ? shortId(imageId(image)) : familiarName(parseReference(name));
  if (report === undefined)
    return `nothing to squash: at most one layer was chosen; ${shown} is the image that ${from} is\n`;
  const of = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  const state = ({ layers }: typeof image, bytes: number): string =>
    `${of(layers.length, 'layer')} of ${formatSize(bytes)}`;
  const saved = sizes.before - sizes.after;
  const lines = [
    `${shown} has ${state(image, sizes.after)}, ${from} ${state(before, sizes.before)}`,
    saved > 0
      ? `saved: ${formatSize(saved)} of hidden files`
      : 'saved: nothing, no hidden file was in these layers',
    `lost:  ${of(report.layers, 'layer')} that other images may share`,
    `same:  ${of(view.paths, 'path')} (${of(view.files, 'file')} of ${formatSize(view.bytes)}) in content, mode, owner, time, attributes, hard links`,
  ];
  return `${lines.join('\n')}\n`;
}
