import { findImage } from '../../app/find-image.ts';
import { fullName, indexOf } from '../../app/image-names.ts';
import { nameImage } from '../../image/name-image.ts';
import { writeImage } from '../../image/write-image.ts';
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
    const index = await indexOf(store, args[0]!);
    if (index !== undefined) {
      await nameImage(store, name, index);
      return 0;
    }
    const image = await findImage(app, args[0]!);
    const lease = await store.lease();
    try {
      // A row of a history or NAME~N may be no image of the store yet.
      await writeImage(store, image);
      await nameImage(store, name, image.descriptor);
    } finally {
      await lease.release();
    }
    return 0;
  },
};
