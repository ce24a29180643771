import { afterEach, beforeEach, describe } from 'vitest';
import type { LocalStore } from './contract.ts';
import { blobTests } from './contract-suite-blobs.ts';
import { collectTests } from './contract-suite-collect.ts';
import { nameTests } from './contract-suite-names.ts';
import { noteAndRootTests } from './contract-suite-notes.ts';
import { stageTests } from './contract-suite-stage.ts';

export interface StoreUnderTest {
  readonly store: LocalStore;
  /** Another store over the same content, as another process would have; undefined where there can be none. */
  readonly again?: (() => LocalStore) | undefined;
  readonly dispose?: (() => void | Promise<void>) | undefined;
}

/** The tests that every local store passes. */
export function storeContract(name: string, make: () => StoreUnderTest | Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    let made: StoreUnderTest;
    let store: LocalStore;
    beforeEach(async () => {
      made = await make();
      store = made.store;
    });
    afterEach(async () => {
      await made.dispose?.();
    });

    blobTests(() => store);
    stageTests(() => store);
    nameTests(() => store);
    noteAndRootTests(() => store);
    collectTests(
      () => store,
      () => made.again?.() ?? store,
    );
  });
}
