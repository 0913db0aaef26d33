namespace Conductor.Tests.House;

/// <summary>A room uses only rooms above it; there are no cycles.</summary>
public sealed class RoomTests
{
    private static readonly Lazy<IReadOnlyCollection<(string User, string Used)>> _uses = new(() => TypeUses.Of(typeof(AgentType).Assembly.Location));

    public static TheoryData<string> All => [.. Rooms.All];

    [Theory]
    [MemberData(nameof(All))]
    public void Room_UsesOnlyTheRoomsItMay(string room)
    {
        var violations = _uses.Value
            .Where(use => RoomOf(use.User) == room && RoomOf(use.Used) is { } used && !Rooms.MayUse(room, used))
            .Select(use => $"{use.User} uses {use.Used}");

        violations.Should().BeEmpty("{0} may use only what the table of architecture.md says", room);
    }

    [Fact]
    public void Reading_FindsUsesInMethodBodies() => _uses.Value.Should().Contain(
        use => use.User == "Conductor.Coordination.AgentCoordinator" && use.Used == "Conductor.Coordination.TaskValidation",
        "a test that reads nothing proves nothing");

    [Fact]
    public void Namespaces_OfPublicTypes_AreRooms() =>
        typeof(AgentType).Assembly.GetExportedTypes().Select(type => type.Namespace!).Distinct()
            .Where(name => Rooms.Of(name) is null).Should().BeEmpty();

    private static string? RoomOf(string typeName) => Rooms.Of(typeName[..Math.Max(0, typeName.LastIndexOf('.'))]);
}
