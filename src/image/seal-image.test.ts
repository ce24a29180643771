import { describe, expect, it } from 'vitest';
import type { ImageConfig } from '../oci/types.ts';
import { editConfig } from './edit-config.ts';
import { sealImage } from './seal-image.ts';

describe('sealing an image', () => {
  /** Counts how often its documents are written. */
  const counting = () => {
    const counted = { times: 0 };
    const label = {
      toJSON() {
        counted.times++;
        return 'x';
      },
    } as unknown as string;
    const config: ImageConfig = {
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { label } },
      rootfs: { type: 'layers', diff_ids: [] },
    };
    return { counted, config };
  };

  it('makes documents once, and only of an image that is asked for them', () => {
    const { counted, config } = counting();
    const image = sealImage(config, []);
    const edited = editConfig(image, (old) => ({ ...old, author: 'me' }), { created_by: 'step' });
    expect(edited.config.history).toEqual([{ created_by: 'step', empty_layer: true }]);
    expect(counted.times).toBe(0);
    const { descriptor } = edited;
    expect(edited.descriptor).toBe(descriptor);
    expect(edited.manifest.config.size).toBe(edited.configBytes.length);
    expect(edited.manifestBytes.length).toBe(descriptor.size);
    expect(counted.times).toBe(1);
  });

  it('writes a history row in one order however often it is asked', () => {
    const row = { comment: 'c', created_by: 'b', created: 'a' };
    const { config } = counting();
    const one = sealImage({ ...config, history: [row] }, []);
    const two = sealImage({ ...config, history: [row, row] }, []);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
    const written = '{"created":"a","created_by":"b","comment":"c"}';
    expect(text(one.configBytes)).toContain(`"history":[${written}]`);
    expect(text(two.configBytes)).toContain(`"history":[${written},${written}]`);
  });
});
