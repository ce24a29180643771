import type { CommandSpec } from '../spec.ts';
import { inspectCommand } from './inspect.ts';

export const command: CommandSpec = inspectCommand(
  {
    name: 'container inspect',
    aliases: [],
    summary: 'Show everything about containers, as JSON or by a template',
    usage: '[OPTIONS] CONTAINER...',
    examples: [
      'dobos container inspect box',
      "dobos container inspect --format '{{.GraphDriver.Data.UpperDir}}' box",
    ],
  },
  'container',
);
