/** Exchanges that any instance may have before keys of its own go elsewhere: 16. */
export const boundedLoadMin = 16;

/**
 * How many exchanges an instance may have until its keys go elsewhere: consistent hashing with bounded
 * loads (Mirrokni, Thorup and Zadimoghaddam, 2016), whose c is Envoy's `hash_balance_factor` by 100.
 *
 * @param total exchanges of all instances
 * @param share its part of all weights, from 0 to 1
 */
export function loadBound(total: number, share: number, balanceFactorPercent: number): number {
  return Math.max(boundedLoadMin, Math.ceil((balanceFactorPercent / 100) * (total + 1) * share));
}
