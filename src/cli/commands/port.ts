import { containerPorts } from '../../app/container-ports.ts';
import { formatAddress } from '../container-ports.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'port',
  aliases: ['container port'],
  summary: 'Show which ports of this machine lead into a container',
  usage: 'CONTAINER [PORT[/PROTOCOL]]',
  arity: [1, 2],
  options: [],
  examples: ['dobos port web', 'dobos port web 80', 'dobos port web 53/udp'],
  async run({ app, terminal, args }) {
    const [name = '', wanted] = args;
    const ports = await containerPorts(app, name, wanted);
    const lines = ports.map(({ containerPort, protocol, hostIp, hostPort }) => {
      const outside = formatAddress(hostIp, hostPort);
      return wanted === undefined ? `${containerPort}/${protocol} -> ${outside}\n` : `${outside}\n`;
    });
    await terminal.out(lines.join(''));
    return 0;
  },
};
