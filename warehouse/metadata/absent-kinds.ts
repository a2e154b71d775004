/**
 * Kinds of object that this account has none of. Tools list them while they read the catalogue and read the columns
 * by name, so that each has the columns of Snowflake's page about its SHOW, and no row.
 */

const FUNCTION_COLUMNS =
  'created_on name schema_name is_builtin is_aggregate is_ansi min_num_arguments max_num_arguments arguments ' +
  'description catalog_name is_table_function valid_for_clustering is_secure secrets external_access_integrations';
const POLICY_COLUMNS =
  'created_on name database_name schema_name kind owner comment owner_role_type options';
const PLAIN_COLUMNS = 'created_on name database_name schema_name owner comment owner_role_type';
const ACCOUNT_COLUMNS = 'created_on name owner comment owner_role_type';
const TABLE_COLUMNS =
  'created_on name database_name schema_name owner comment rows bytes owner_role_type';

/** The kind, as it is written after SHOW, and its columns. */
export const ABSENT_KINDS: Readonly<Record<string, string>> = {
  FUNCTIONS: `${FUNCTION_COLUMNS} is_external_function language is_memoizable is_data_metric`,
  'USER FUNCTIONS': `${FUNCTION_COLUMNS} is_external_function language is_memoizable is_data_metric`,
  'EXTERNAL FUNCTIONS': `${FUNCTION_COLUMNS} is_external_function language`,
  'DATA METRIC FUNCTIONS': `${FUNCTION_COLUMNS} language is_data_metric`,
  PROCEDURES: FUNCTION_COLUMNS,
  'USER PROCEDURES': FUNCTION_COLUMNS,
  TASKS:
    'created_on name id database_name schema_name owner comment warehouse schedule predecessors state definition ' +
    'condition allow_overlapping_execution error_integration last_committed_on last_suspended_on owner_role_type ' +
    'config budget task_relations last_suspended_reason',
  STREAMS:
    'created_on name database_name schema_name owner comment table_name source_type base_tables type stale mode ' +
    'stale_after invalid_reason owner_role_type',
  PIPES:
    'created_on name database_name schema_name definition owner notification_channel comment integration pattern ' +
    'error_integration owner_role_type invalid_reason kind',
  SHARES:
    'created_on kind owner_account name database_name to owner comment listing_global_name secure_objects_only',
  TRANSACTIONS: 'id user session name started_on state scope',
  LOCKS: 'resource type transaction transaction_started_on status acquired_on query_id session',
  'DYNAMIC TABLES':
    'created_on name database_name schema_name cluster_by rows bytes owner target_lag refresh_mode ' +
    'refresh_mode_reason warehouse comment text automatic_clustering scheduling_state last_suspended_on is_clone ' +
    'is_replica is_iceberg data_timestamp owner_role_type',
  'MATERIALIZED VIEWS':
    'created_on name reserved database_name schema_name cluster_by rows bytes source_database_name ' +
    'source_schema_name source_table_name refreshed_on compacted_on owner invalid invalid_reason behind_by comment ' +
    'text is_secure automatic_clustering owner_role_type',
  'SEMANTIC VIEWS': PLAIN_COLUMNS,
  'EXTERNAL TABLES':
    'created_on name database_name schema_name invalid invalid_reason owner comment stage location ' +
    'file_format_name file_format_type cloud region notification_channel last_refreshed_on table_format ' +
    'last_refresh_details owner_role_type',
  'EVENT TABLES': TABLE_COLUMNS,
  'ICEBERG TABLES':
    'created_on name database_name schema_name owner external_volume_name catalog_name iceberg_table_type ' +
    'catalog_table_name catalog_namespace base_location can_write_metadata comment owner_role_type',
  'HYBRID TABLES': TABLE_COLUMNS,
  ALERTS:
    'created_on name database_name schema_name owner comment warehouse schedule state condition action owner_role_type',
  TAGS: 'created_on name database_name schema_name owner comment allowed_values owner_role_type propagate',
  SECRETS:
    'created_on name schema_name database_name owner comment secret_type oauth_scopes owner_role_type',
  STREAMLITS:
    'created_on name database_name schema_name title owner comment query_warehouse url_id owner_role_type',
  NOTEBOOKS:
    'created_on name database_name schema_name comment owner query_warehouse url_id owner_role_type',
  MODELS:
    'created_on name model_type database_name schema_name comment owner default_version_name versions aliases',
  'GIT REPOSITORIES':
    'created_on name database_name schema_name origin api_integration git_credentials owner owner_role_type comment',
  'IMAGE REPOSITORIES':
    'created_on name database_name schema_name repository_url owner owner_role_type comment',
  SERVICES:
    'name status database_name schema_name owner compute_pool dns_name current_instances target_instances ' +
    'min_instances max_instances created_on updated_on comment owner_role_type',
  'COMPUTE POOLS':
    'name state min_nodes max_nodes instance_family num_services num_jobs auto_suspend_secs auto_resume ' +
    'active_nodes idle_nodes target_nodes created_on resumed_on updated_on owner comment',
  'RESOURCE MONITORS':
    'name credit_quota used_credits remaining_credits level frequency start_time end_time notify_at suspend_at ' +
    'suspend_immediately_at created_on owner comment notify_users',
  'MASKING POLICIES': POLICY_COLUMNS,
  'ROW ACCESS POLICIES': POLICY_COLUMNS,
  'AGGREGATION POLICIES': POLICY_COLUMNS,
  'PROJECTION POLICIES': POLICY_COLUMNS,
  'PASSWORD POLICIES': POLICY_COLUMNS,
  'SESSION POLICIES': POLICY_COLUMNS,
  'AUTHENTICATION POLICIES': POLICY_COLUMNS,
  'NETWORK POLICIES':
    'created_on name comment entries_in_allowed_ip_list entries_in_blocked_ip_list ' +
    'entries_in_allowed_network_rules entries_in_blocked_network_rules',
  'NETWORK RULES':
    'created_on name database_name schema_name owner comment type mode entries_in_valuelist owner_role_type',
  'DATABASE ROLES':
    'created_on name is_default is_current is_inherited granted_to_roles granted_to_database_roles ' +
    'granted_database_roles owner comment owner_role_type',
  'EXTERNAL VOLUMES': 'name allow_writes comment',
  'REPLICATION DATABASES': ACCOUNT_COLUMNS,
  'REPLICATION GROUPS': ACCOUNT_COLUMNS,
  'FAILOVER GROUPS': ACCOUNT_COLUMNS,
  'MANAGED ACCOUNTS': 'name cloud region locator created_on url is_reader comment',
  CONNECTIONS: ACCOUNT_COLUMNS,
  APPLICATIONS: ACCOUNT_COLUMNS,
  'APPLICATION PACKAGES': ACCOUNT_COLUMNS,
};
