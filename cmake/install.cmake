# What `cmake --install` puts where. Directories are GNU's, below /usr/local unless -DCMAKE_INSTALL_PREFIX says another (systemd
# looks for units there, too); but the configuration goes to /etc, and one that is there stays.
install(TARGETS hiphopd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS hiphop RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS hiphop_static hiphop_shared
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY libhiphop/include/hiphop DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY schemas/ DESTINATION ${CMAKE_INSTALL_DATADIR}/hiphop/schemas FILES_MATCHING PATTERN "*.avsc")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_file(cmake/hiphop.pc.in hiphop.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/hiphop.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_file(systemd/hiphopd.service.in hiphopd.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/hiphopd.service DESTINATION lib/systemd/system)

if(EXISTS ${PROJECT_SOURCE_DIR}/config/hiphopd.conf)
  set(configuration ${CMAKE_INSTALL_FULL_SYSCONFDIR}/hiphop)
  install(CODE "
    if(NOT EXISTS \"\$ENV{DESTDIR}${configuration}/hiphopd.conf\")
      file(INSTALL \"${PROJECT_SOURCE_DIR}/config/hiphopd.conf\" DESTINATION \"${configuration}\")
    endif()")
endif()
file(GLOB pages CONFIGURE_DEPENDS docs/man/*.1 docs/man/*.8)
foreach(page ${pages})
  string(REGEX MATCH "[18]$" section ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
