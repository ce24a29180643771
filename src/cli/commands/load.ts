import { loadArchive } from '../../image/load-archive.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'load',
  aliases: ['image load'],
  summary: 'Read images from an archive or an OCI layout',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    {
      flags: '-i, --input <path>',
      summary: 'a file or a layout folder instead of standard input',
      common: true,
    },
    { flags: '-q, --quiet', summary: 'print ids only', common: true },
  ],
  examples: ['dobos load -i app.tar', 'docker save app | dobos load', 'dobos load -i ./layout'],
  async run({ app, terminal, options, signal }) {
    const input = textOption(options, 'input');
    if (input === undefined && terminal.inIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'load', problem: 'standard input is a terminal' },
        { hint: 'name a file: -i app.tar, or send one: < app.tar' },
      );
    }
    const store = await app.store();
    const loaded = await loadArchive(store, input ?? terminal.stdin(), {
      platform: app.settings.hostPlatform,
      signal,
    });
    for (const { names, id } of loaded) {
      if (flagOption(options, 'quiet')) await terminal.out(`${id}\n`);
      else if (names.length === 0) await terminal.out(`Loaded image ID: ${id}\n`);
      else
        for (const name of names) await terminal.out(`Loaded image: ${familiarName(parseReference(name))}\n`);
    }
    return 0;
  },
};
