import { statSync } from 'node:fs';
import { importImage } from '../../app/archives.ts';
import { readRegion } from '../../base/bytes.ts';
import { imageId } from '../../image/image-id.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, listOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'import',
  aliases: ['image import'],
  summary: 'Make an image of one layer from the tar of a root file system',
  usage: '[OPTIONS] FILE|- [NAME[:TAG]]',
  arity: [1, 2],
  options: [
    {
      flags: '-c, --change <instruction>',
      summary: 'a Dockerfile instruction for the config',
      repeat: true,
      common: true,
    },
    { flags: '-m, --message <text>', summary: 'the comment in the history', common: true },
  ],
  examples: [
    'dobos import rootfs.tar debian:bookworm',
    'docker export box | dobos import - flat',
    'dobos import -c \'CMD ["sh"]\' rootfs.tar.xz base',
  ],
  limits: ['URLs come in a later version.'],
  async run({ app, terminal, args, options, signal }) {
    const [source = '-', name] = args;
    if (/^https?:/.test(source)) throw cliError('CLI_LATER', { command: 'import URL' });
    const tar =
      source === '-'
        ? terminal.stdin()
        : readRegion({ path: source, offset: 0, size: statSync(source).size }, { signal });
    const image = await importImage(app, {
      tar,
      source,
      name,
      changes: listOption(options, 'change'),
      message: textOption(options, 'message'),
      signal,
    });
    await terminal.out(`${imageId(image)}\n`);
    return 0;
  },
};
