import { selectImages } from '../../app/archives.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'save',
  aliases: ['image save'],
  summary: 'Write images to an archive that docker, podman, skopeo and containerd all read',
  usage: '[OPTIONS] IMAGE...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    { flags: '-o, --output <file>', summary: 'write to a file instead of standard output', common: true },
    {
      flags: '--layers <how>',
      summary: '`plain`: uncompressed, as docker does; `stored`: as they are, which keeps the digest',
      choices: ['plain', 'stored'],
      default: 'plain',
    },
  ],
  examples: [
    'dobos save -o app.tar app',
    'dobos save app:1 app:2 > both.tar',
    'dobos save app | ssh host docker load',
  ],
  async run({ app, terminal, args, options, signal }) {
    const output = textOption(options, 'output');
    if (output === undefined && terminal.outIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'save', problem: 'an archive is nothing to see in a terminal' },
        { hint: 'name a file: -o app.tar, or send it on: > app.tar' },
      );
    }
    const store = await app.store();
    const selections = await selectImages(app, args);
    const how = { layers: textOption(options, 'layers') === 'stored' ? 'stored' : 'plain', signal } as const;
    const { saveImages, saveToFile } = await import('../../image/save-images.ts');
    if (output !== undefined) await saveToFile(store, selections, output, how);
    else for await (const chunk of saveImages(store, selections, how)) await terminal.out(chunk);
    return 0;
  },
};
