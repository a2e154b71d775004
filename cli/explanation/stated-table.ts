/** What a file says of one table. */
export interface StatedTable {
  readonly rows: number;
  readonly bytes: number;
  readonly clusteringColumn?: string | undefined;
  /** Least and greatest value of the clustering column, as `TO_VARCHAR` writes them. */
  readonly clusteringMin?: string | undefined;
  readonly clusteringMax?: string | undefined;
  /** Data type by column name. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
}
