import { signal } from '@preact/signals';

/** Why pairing by the code in the address failed, as a text key; shown on the pairing screen. */
export const pairProblem = signal<string | null>(null);
