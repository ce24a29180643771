import type { CommandSpec } from '../spec.ts';
import { inspectCommand } from './inspect.ts';

export const command: CommandSpec = inspectCommand(
  {
    name: 'image inspect',
    aliases: [],
    summary: 'Show everything about images, as JSON or by a template',
    usage: '[OPTIONS] IMAGE...',
    examples: [
      'dobos image inspect app',
      'dobos image inspect --format \'{{join .RootFS.Layers "\\n "}}\' app',
    ],
  },
  'image',
);
