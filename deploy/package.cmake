# What is installed, and the Debian package made of it: `deploy/package`.
# The package holds what was built; it does not build the tests for it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
# The unit names /usr/bin.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where to install" FORCE)
endif()
include(GNUInstallDirs)

install(TARGETS rollbook rollbook-witness RUNTIME)
# The program looks for these beside its own folder: ../share/rollbook.
set(data ${CMAKE_INSTALL_DATADIR}/rollbook)
install(DIRECTORY connectors/manifests DESTINATION ${data}/connectors FILES_MATCHING PATTERN "*.json" PATTERN "*.md")
install(DIRECTORY connectors/report/mappings DESTINATION ${data}/connectors/report)
install(DIRECTORY schemas DESTINATION ${data})
install(PROGRAMS deploy/recover DESTINATION ${data})

# The system's own places are fixed, whatever the prefix.
set(etc /etc/rollbook)
install(FILES deploy/debian/sample.toml deploy/debian/sample-calendar.toml DESTINATION ${etc}
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
install(FILES deploy/systemd/rollbook@.service DESTINATION /usr/lib/systemd/system)
install(FILES deploy/systemd/rollbook.sysusers DESTINATION /usr/lib/sysusers.d RENAME rollbook.conf)
install(FILES deploy/systemd/rollbook.tmpfiles DESTINATION /usr/lib/tmpfiles.d RENAME rollbook.conf)
install(FILES deploy/debian/bash-completion DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME rollbook)
install(FILES deploy/README.md deploy/runbook.md deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Made from the programs, so only when they are there.
set(made ${CMAKE_BINARY_DIR}/manual)
install(CODE "execute_process(COMMAND ${CMAKE_SOURCE_DIR}/deploy/make-manual ${made} $<TARGET_FILE:rollbook>
                              $<TARGET_FILE:rollbook-witness> COMMAND_ERROR_IS_FATAL ANY)")
install(FILES ${made}/rollbook.1.gz ${made}/rollbook-witness.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/rollbook.toml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${made}/changelog.gz ${made}/CHANGELOG.md.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "Rollbook maintainers <maintainers@users.noreply.github.com>") # as in make-manual
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "attendance and incident ledger for an English school")
set(CPACK_PACKAGE_DESCRIPTION
"Rollbook reads a school's management information system and its
safeguarding records, reconciles attendance and incidents into a local
ledger that anybody can check, and tells the Attendance and Behaviour
Lead when a threshold is crossed.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd, ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "bash-completion")
file(WRITE ${CMAKE_BINARY_DIR}/debian/conffiles "${etc}/sample.toml\n${etc}/sample-calendar.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/debian/postinst ${CMAKE_SOURCE_DIR}/deploy/debian/prerm
    ${CMAKE_SOURCE_DIR}/deploy/debian/postrm ${CMAKE_BINARY_DIR}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
