import { lookUpContainer, openContainers } from '../../app/containers.ts';
import { exportContainer } from '../../containers/export-container.ts';
import { cliError } from '../errors.ts';
import { writeOutputStream } from '../output-file.ts';
import { type CommandSpec, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'export',
  aliases: ['container export'],
  summary: 'Write all files of a container as a tar',
  usage: '[OPTIONS] CONTAINER',
  arity: [1, 1],
  options: [
    { flags: '-o, --output <file>', summary: 'write to a file instead of standard output', common: true },
  ],
  examples: [
    'dobos export -o rootfs.tar box',
    'dobos export box | dobos import - flat',
    'dobos export box | tar -t',
  ],
  limits: ['What is mounted into the container, its /etc/resolv.conf and /etc/hosts are left out.'],
  async run({ app, terminal, args, options, signal }) {
    const output = textOption(options, 'output');
    if (output === undefined && terminal.outIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'export', problem: 'an archive is nothing to see in a terminal' },
        { hint: 'name a file: -o rootfs.tar, or send it on: > rootfs.tar' },
      );
    }
    const tools = await openContainers(app);
    const container = await lookUpContainer(tools.records, args[0]!);
    const tar = exportContainer(tools, container, { signal });
    if (output !== undefined) await writeOutputStream(output, tar);
    else for await (const bytes of tar) await terminal.out(bytes);
    return 0;
  },
};
