import { expect, it } from 'vitest';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from './contract.ts';
import { describeBytes, expectCode, listNames, MANIFEST, putText } from './contract-fixtures.ts';

/** The part of the contract suite on names. */
export function nameTests(get: () => LocalStore): void {
  it('resolves, moves, lists and removes names', async () => {
    const store = get();
    const [one, two] = [await putText(store, 'one', MANIFEST), await putText(store, 'two', MANIFEST)];
    await store.tag('b:1', one);
    await store.tag('a:1', two);
    await store.tag('c:1', one);
    expect(await store.resolve('b:1')).toEqual(one);
    await store.tag('b:1', two);
    await store.tag('b:1', two);
    expect(await store.resolve('b:1')).toEqual(two);
    expect(await listNames(store)).toEqual(['a:1', 'b:1', 'c:1']);
    await store.remove('b:1');
    expect(await listNames(store)).toEqual(['a:1', 'c:1']);
    await expectCode(store.resolve('b:1'), 'STORE_NAME_UNKNOWN');
    await expectCode(store.remove('b:1'), 'STORE_NAME_UNKNOWN');
    expect(await store.resolve('c:1')).toEqual(one);
  });

  it('keeps platform and annotations of a target', async () => {
    const blob = await putText(get(), 'one', MANIFEST);
    const target = { ...blob, platform: { os: 'linux', architecture: 'amd64' }, annotations: { a: 'b' } };
    await get().tag('x:1', target);
    expect(await get().resolve('x:1')).toEqual(target);
    await get().tag('x:1', blob);
    expect(await get().resolve('x:1')).toEqual(blob);
  });

  it('keeps apart names that have one short form', async () => {
    const names = ['docker.io/library/x:1', 'docker.io/x:1', 'x:1', 'library/x:1', 'quay.io/library/x:1'];
    const blobs = new Map<string, Descriptor>();
    for (const name of names) {
      const blob = await putText(get(), name, MANIFEST);
      blobs.set(name, blob);
      await get().tag(name, blob);
    }
    for (const name of names) expect(await get().resolve(name), name).toEqual(blobs.get(name));
    expect(await listNames(get())).toEqual([...names].sort());
    await get().remove('x:1');
    expect((await listNames(get())).length).toBe(names.length - 1);
    expect(await get().resolve('docker.io/library/x:1')).toEqual(blobs.get('docker.io/library/x:1'));
  });

  it('does not give a name to what is not there', async () => {
    await expectCode(get().tag('x:1', describeBytes('nothing', MANIFEST)), 'STORE_NOT_FOUND');
    expect(await listNames(get())).toEqual([]);
  });

  it('offers near names for an unknown one', async () => {
    await get().tag('docker.io/library/hello-c:latest', await putText(get(), 'one', MANIFEST));
    await expect(get().resolve('docker.io/library/helo-c:latest')).rejects.toMatchObject({
      code: 'STORE_NAME_UNKNOWN',
      hint: 'did you mean docker.io/library/hello-c:latest?',
    });
    await expect(get().resolve('docker.io/library/zzz:latest')).rejects.toMatchObject({ hint: undefined });
  });

  it('loses no name of many set at once', async () => {
    const blob = await putText(get(), 'one', MANIFEST);
    const names = Array.from({ length: 40 }, (_, at) => `n${String(at).padStart(2, '0')}:1`);
    await Promise.all(names.map((name) => get().tag(name, blob)));
    expect(await listNames(get())).toEqual(names);
  });
}
