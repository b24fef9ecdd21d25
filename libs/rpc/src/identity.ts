/** A key, its certificate chain and the roots to trust, as PEM. */
export interface IdentityMaterial {
  readonly keyPem: string;
  /** Leaf first. */
  readonly chainPem: string;
  readonly trustPem: string;
}

/** An identity that may be renewed while it is in use. */
export interface IdentitySource {
  current(): IdentityMaterial;
  /** Called after `current` has changed. Returns a function that ends the subscription. */
  onChange(listener: () => void): () => void;
}
