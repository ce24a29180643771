import { imageId } from '../image/image-id.ts';
import { completeHistory } from '../image/pair-history.ts';
import { familiarName, familiarRepository, parseReference } from '../oci/reference.ts';
import type { App } from './app.ts';
import { findNamedImage } from './find-image.ts';
import { namesOf } from './image-names.ts';
import { imageSize } from './layer-sizes.ts';

/** Everything about an image under docker's names; `Manifest` and `Layers` say more than docker does. */
export async function inspectImage(app: App, name: string): Promise<Readonly<Record<string, unknown>>> {
  const store = await app.store();
  const { image, target } = await findNamedImage(app, name);
  const names = (await namesOf(store, target.digest)).map((text) => parseReference(text));
  const { config } = image;
  return {
    Id: imageId(image),
    RepoTags: names.filter(({ digest }) => digest === undefined).map(familiarName),
    RepoDigests: [...new Set(names.map((reference) => `${familiarRepository(reference)}@${target.digest}`))],
    Comment: completeHistory(config).at(-1)?.comment ?? '',
    Created: config.created ?? '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: await imageSize(store, image),
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Manifest: image.descriptor,
    Layers: image.layers.map(({ blob, diffId }) => ({ ...blob, diffId })),
  };
}
