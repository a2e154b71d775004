/**
 * Loaded first by programs that use snowflake-sdk: it looks for a cloud's metadata service and sends telemetry from the
 * moment it is loaded, unless told before.
 */
process.env.SNOWFLAKE_DISABLE_PLATFORM_DETECTION ??= 'true';
process.env.SF_TELEMETRY_DISABLE_CONNECTION_SHAPE ??= '1';
process.env.SNOWFLAKE_DISABLE_MINICORE ??= '1';
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
