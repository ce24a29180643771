import { loginServer, logout } from '../../app/login.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'logout',
  aliases: [],
  summary: 'Forget the credentials for a registry, in every file and helper where they would be found',
  usage: '[SERVER]',
  arity: [0, 1],
  options: [],
  examples: ['dobos logout', 'dobos logout registry.example:5000', 'dobos logout registry.example/team'],
  async run({ app, terminal, args, signal }) {
    const server = loginServer(args[0]);
    const found = await logout(app, server, { signal });
    await terminal.out(
      found ? `Removing login credentials for ${server.shown}\n` : `Not logged in to ${server.shown}\n`,
    );
    return 0;
  },
};
