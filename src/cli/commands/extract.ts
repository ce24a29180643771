import { openSource } from '../../app/explore.ts';
import { extractName, extractPath } from '../../explore/extract-tree.ts';
import { chooseLayer, locatePath } from '../../explore/locate-path.ts';
import { safeText } from '../build-view/safe-text.ts';
import { SOURCE_OPTIONS, sourceOptions } from '../source-options.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';
import { formatSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'extract',
  aliases: [],
  summary: 'Take a file or directory out of an image, out of any of its layers',
  usage: '[OPTIONS] IMAGE PATH DEST',
  arity: [3, 3],
  options: [
    { flags: '--layer <n>', summary: 'the image as it is after this layer; 0 is the base', common: true },
    { flags: '-q, --quiet', summary: 'print nothing' },
    ...SOURCE_OPTIONS,
  ],
  examples: [
    'dobos extract app /etc/nginx .',
    'dobos extract --layer 1 app /secret.txt recovered.txt',
    'dobos extract app.tar / rootfs',
  ],
  limits: [
    'Owners become the caller, setuid and setgid are left out, so are devices and pipes; nothing is overwritten.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [image = '', path = '', dest = ''] = args;
    const { exploration, store, close } = await openSource(app, image, {
      ...sourceOptions(app, terminal, options),
      bare: true,
      signal,
    });
    try {
      const layer = chooseLayer(exploration, image, textOption(options, 'layer'));
      const found = locatePath(exploration, layer, path);
      const from = { ...found, layer, name: extractName(path, found.path) };
      const done = await extractPath(exploration, store, from, dest, { signal });
      const { paths, bytes, skipped, target } = done;
      for (const each of skipped) terminal.err(`left out: /${safeText(each)} is a device or a pipe\n`);
      if (!flagOption(options, 'quiet'))
        terminal.err(`${paths} path${paths === 1 ? '' : 's'}, ${formatSize(bytes)}: ${safeText(target)}\n`);
      return 0;
    } finally {
      await close();
    }
  },
};
