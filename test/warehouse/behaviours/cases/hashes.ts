/** "Cryptographic functions" and encodings of the reference. */
import { fails, is, type Theme } from '../behaviour.js';

export const HASHES: Theme = {
  title: 'Hashes and encodings',
  behaviours: [
    is(`MD5('Snowflake')`, 'edf1439075a83a447fb8b630ddc9c8de', 'text'),
    is(`MD5_HEX('Snowflake')`, 'edf1439075a83a447fb8b630ddc9c8de', 'text'),
    is(`MD5_BINARY('Snowflake')`, 'EDF1439075A83A447FB8B630DDC9C8DE', 'binary'),
    is(`MD5_NUMBER_LOWER64('Snowflake')`, '9203306159527282910', 'fixed:0'),
    is(`MD5_NUMBER_UPPER64('Snowflake')`, '17145559544104499780', 'fixed:0'),
    is(`MD5(NULL)`, null, 'text'),
    is(`SHA1('Snowflake')`, 'fda76b0bcc1e87cf259b1d1e3271d76f590fb5dd', 'text'),
    is(`SHA1_BINARY('Snowflake')`, 'FDA76B0BCC1E87CF259B1D1E3271D76F590FB5DD', 'binary'),
    is(
      `SHA2('Snowflake', 224)`,
      '6267d3d7a59929e6864dd4b737d98e3ef8569d9f88a7466647838532',
      'text',
    ),
    is(`SHA2('a')`, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb', 'text'),
    is(`SHA2_HEX('a', 256) = SHA2('a', 0)`, '1', 'boolean'),
    is(`LENGTH(SHA2('a', 384))`, '96', 'fixed:0'),
    is(`LENGTH(SHA2_BINARY('a', 512))`, '64', 'fixed:0'),
    is(`HEX_ENCODE('SNOW')`, '534E4F57', 'text'),
    is(`HEX_ENCODE('❄', 0)`, 'e29d84', 'text'),
    is(`HEX_DECODE_STRING('534E4F57')`, 'SNOW', 'text'),
    is(`HEX_DECODE_BINARY('534E4F57')`, '534E4F57', 'binary'),
    is(`TRY_HEX_DECODE_STRING('4x')`, null, 'text'),
    fails(`SELECT HEX_DECODE_STRING('4x')`, '100115'),
    is(`BASE64_ENCODE('Snowflake')`, 'U25vd2ZsYWtl', 'text'),
    is(`BASE64_DECODE_STRING('U25vd2ZsYWtl')`, 'Snowflake', 'text'),
    is(`BASE64_DECODE_BINARY('U25vdw==')`, '536E6F77', 'binary'),
    is(`TRY_BASE64_DECODE_STRING('!')`, null, 'text'),
    is(`HASH(1)`, '-4730168494964875235'),
  ],
};
