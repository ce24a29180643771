import { accessSync, constants, statSync } from 'node:fs';
import { importImage } from '../../app/archives.ts';
import { readRegion } from '../../base/bytes.ts';
import { systemCode } from '../../base/errors.ts';
import { imageId } from '../../image/image-id.ts';
import { cliError } from '../errors.ts';
import { fileError } from '../output-file.ts';
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
    if (source === '-' && terminal.inIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'import', problem: 'standard input is a terminal' },
        { hint: 'name a file, or send one: < rootfs.tar' },
      );
    }
    const tar =
      source === '-'
        ? terminal.stdin()
        : readRegion({ path: source, offset: 0, size: sizeOf(source) }, { signal });
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

function sizeOf(path: string): number {
  try {
    const facts = statSync(path);
    if (facts.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    accessSync(path, constants.R_OK);
    return facts.size;
  } catch (error) {
    throw fileError('FILE_UNREADABLE', { path, code: systemCode(error) ?? String(error) }, { cause: error });
  }
}
