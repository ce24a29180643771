import { fullName } from '../../app/image-names.ts';
import { findImage } from '../../image/find-image.ts';
import { nameImage } from '../../image/name-image.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'tag',
  aliases: ['image tag'],
  summary: 'Give an image another name',
  usage: 'IMAGE NAME[:TAG]',
  arity: [2, 2],
  options: [],
  examples: ['dobos tag app app:1.0', 'dobos tag 3f1c2a app:old', 'dobos tag app registry.example/team/app'],
  async run({ app, args }) {
    const store = await app.store();
    const name = fullName(args[1]!);
    const image = await findImage(store, args[0]!, { platform: app.settings.hostPlatform });
    await nameImage(store, name, image.descriptor);
    return 0;
  },
};
