import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'version',
  aliases: [],
  summary: 'Show the version of dobos, of Node and of this machine',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [formatOption],
  examples: ['dobos version', "dobos version --format '{{.Version}}'", 'dobos version --format json'],
  async run({ app, terminal, options }) {
    const { os, architecture } = app.settings.hostPlatform;
    const facts = { Version: app.version, Node: process.version, Os: os, Arch: architecture };
    if (options.format !== undefined) return printFormatted(terminal, options, [facts]);
    await terminal.out(`dobos ${facts.Version}\nNode  ${facts.Node}\nOS    ${os}/${architecture}\n`);
    return 0;
  },
};
