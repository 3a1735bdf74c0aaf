package interop;

import org.eclipse.edc.runtime.metamodel.annotation.Provider;
import org.eclipse.edc.runtime.metamodel.annotation.Setting;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;

/** Puts a Key Vault in the place of EDC's vault in memory: EDC's own module for it signs in at Azure alone. */
public class KeyVaultExtension implements ServiceExtension {
    @Setting(key = "keyvault.url", description = "the vault")
    private String url;

    @Setting(key = "keyvault.identity.endpoint", description = "where a managed identity gets its tokens")
    private String identityEndpoint;

    @Setting(key = "keyvault.identity.header", description = "what that endpoint wants to be shown")
    private String identityHeader;

    @Setting(key = "keyvault.certificate", description = "the file with the certificate of both")
    private String certificate;

    @Provider
    public Vault vault(ServiceExtensionContext context) {
        return new KeyVault(url, identityEndpoint, identityHeader, certificate);
    }
}
