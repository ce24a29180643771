import { serveTasks } from '../../base/worker.ts';
import { enterNewNetwork } from '../../linux/net-namespace.ts';
import { setUpNetwork } from './set-up-network.ts';

/** A thread of its own, because it ends in the namespace: whoever is no root outside cannot go back. */
serveTasks<string, undefined>((path) => {
  enterNewNetwork(path, setUpNetwork);
});
