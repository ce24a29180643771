import { storeContract } from './contract-suite.ts';
import { createMemoryStore } from './memory-store.ts';

storeContract('the memory store', () => ({ store: createMemoryStore() }));
