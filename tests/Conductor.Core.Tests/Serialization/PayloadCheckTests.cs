using System.Collections.ObjectModel;
using System.Text.Json.Serialization;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>What a store cannot write and read is found by looking at types, before there is a value.</summary>
public sealed class PayloadCheckTests
{
    private static readonly ConductorSerializer _serializer = new([]);

    [Theory]
    [InlineData(typeof(int))]
    [InlineData(typeof(int?))]
    [InlineData(typeof(string))]
    [InlineData(typeof(object))]
    [InlineData(typeof(DayOfWeek))]
    [InlineData(typeof(Uri))]
    [InlineData(typeof(byte[]))]
    [InlineData(typeof(DateOnly?))]
    [InlineData(typeof(Order))]
    [InlineData(typeof(Point))]
    [InlineData(typeof(Point?))]
    [InlineData(typeof(Node))]
    [InlineData(typeof(Marker))]
    [InlineData(typeof(ValueTuple))]
    [InlineData(typeof(FieldShape))]
    [InlineData(typeof(Shape))]
    [InlineData(typeof(Careful))]
    [InlineData(typeof(Order[]))]
    [InlineData(typeof(IReadOnlyList<Order>))]
    [InlineData(typeof(IReadOnlyDictionary<string, List<Order>>))]
    [InlineData(typeof(Dictionary<DayOfWeek, Order?>))]
    [InlineData(typeof(System.Collections.Immutable.ImmutableArray<Order>))]
    [InlineData(typeof(Tuple<int, string>))]
    [InlineData(typeof(KeyValuePair<string, int>))]
    [InlineData(typeof(System.Text.Json.Nodes.JsonObject))]
    public void CanSerialize_TypeThatComesBack_Yes(Type type)
    {
        _serializer.ProblemOf(type).Should().BeNull();
        _serializer.CanSerialize(type).Should().BeTrue();
    }

    /// <summary>A generated context knows constructors and init-only members in another way than reflection.</summary>
    [Theory]
    [InlineData(typeof(Initialized))]
    [InlineData(typeof(InitializedAlone))]
    [InlineData(typeof(Optionals))]
    public void CanSerialize_TypeOfAGeneratedContext_Yes(Type type)
    {
        new ConductorSerializer([OwnJsonContext.Default]).ProblemOf(type).Should().BeNull();
        _serializer.ProblemOf(type).Should().BeNull();
    }

    [Theory]
    [InlineData(typeof(TaskResult))]
    [InlineData(typeof(TaskDefinition))]
    [InlineData(typeof(WorkflowDefinition))]
    [InlineData(typeof(WorkflowState))]
    [InlineData(typeof(WorkflowEvent))]
    [InlineData(typeof(ErrorRecord))]
    [InlineData(typeof(Feedback))]
    public void CanSerialize_TypeOfTheLibrary_Yes(Type type) => _serializer.ProblemOf(type).Should().BeNull();

    [Theory]
    [InlineData(typeof(Func<int>), "no form")]
    [InlineData(typeof(Type), "no form")]
    [InlineData(typeof(nint), "no form")]
    [InlineData(typeof(IUnknown), "an interface")]
    [InlineData(typeof(Stream), "abstract")]
    [InlineData(typeof(NoConstructor), "no constructor")]
    [InlineData(typeof(HiddenConstructor), "no constructor")]
    [InlineData(typeof((int, string)), "tuple")]
    [InlineData(typeof((int, string)?), "tuple")]
    [InlineData(typeof(List<(int, string)>), "tuple")]
    [InlineData(typeof(PublicFields), "PublicFields (all that it holds is in fields or in properties that are not public, which JSON leaves out; ")]
    [InlineData(typeof(Dictionary<string, PublicFields[]>), "[][], a ")]
    [InlineData(typeof(PrivateState), "in fields")]
    [InlineData(typeof(WithFields), "WithFields.Inner, a ")]
    [InlineData(typeof(System.Numerics.BigInteger), "set none of them")]
    [InlineData(typeof(List<System.Numerics.Complex>), "[], a ")]
    [InlineData(typeof(Order[,]), "no form")]
    [InlineData(typeof(ReadOnlyCollection<int>), "not make one")]
    [InlineData(typeof(ArraySegment<int>), "not make one")]
    [InlineData(typeof(Dictionary<string, ArraySegment<byte>>), "[], a ")]
    [InlineData(typeof(Dictionary<Order, int>), "keys")]
    [InlineData(typeof(Stack<int>), "upside down")]
    [InlineData(typeof(System.Collections.Immutable.ImmutableStack<string>), "upside down")]
    [InlineData(typeof(Dictionary<string, System.Collections.Concurrent.ConcurrentStack<int>>), "[], a ")]
    [InlineData(typeof(WithInterface), "WithInterface.Inner, a ")]
    [InlineData(typeof(List<WithInterface>), "[].Inner, a ")]
    [InlineData(typeof(Dictionary<string, WithInterface[]>), "[][].Inner, a ")]
    [InlineData(typeof(WithDelegate), "WithDelegate.Deeper.Action, a ")]
    [InlineData(typeof(BadShape), "BadCircle.Inner, a ")]
    [InlineData(typeof(Contradicting), "same")]
    public void CanSerialize_TypeThatDoesNot_SaysWhat(Type type, string reason)
    {
        _serializer.CanSerialize(type).Should().BeFalse();
        _serializer.ProblemOf(type).Should().Contain(reason);
    }

    /// <summary>The user's word counts more.</summary>
    [Fact]
    public void CanSerialize_OwnConverterOrIgnored_IsNotLookedAt()
    {
        _serializer.ProblemOf(typeof(WithConverter)).Should().BeNull();
        _serializer.ProblemOf(typeof(WithIgnored)).Should().BeNull();
        _serializer.ProblemOf(typeof(ReadOnlyInterface)).Should().BeNull();
    }

    private interface IUnknown
    {
        int Value { get; }
    }

    private sealed record Order(string Name, int Count);

    private readonly record struct Point(int X, int Y);

    private sealed record Marker;

    private sealed class Node
    {
        public string? Name { get; set; }

        public Node? Next { get; set; }

        public List<Node> Children { get; } = [];
    }

    [JsonDerivedType(typeof(Circle), "circle")]
    private abstract record Shape;

    private sealed record Circle(double Radius) : Shape;

    [JsonDerivedType(typeof(BadCircle), "circle")]
    private abstract record BadShape;

    private sealed record BadCircle(IUnknown Inner) : BadShape;

    /// <summary>The check calls nothing of the user's.</summary>
    private sealed class Careful
    {
        public Careful() => throw new InvalidOperationException("not for checking");

        public int Value { get => throw new InvalidOperationException("not for checking"); set => throw new InvalidOperationException("not for checking"); }
    }

    /// <summary>It is always one of those that it may be.</summary>
    [JsonDerivedType(typeof(FieldCircle), "circle")]
    private abstract class FieldShape
    {
        private readonly string _kind = "shape";

        public override string ToString() => _kind;
    }

    private sealed class FieldCircle : FieldShape
    {
        public double Radius { get; set; }
    }

    private sealed class PrivateState
    {
        private int _count;

        public int Next() => ++_count;
    }

    private sealed record WithFields(string Name, PublicFields Inner);

    private sealed class NoConstructor(int elsewhere)
    {
        public int Value => elsewhere;
    }

    private sealed class HiddenConstructor
    {
        private HiddenConstructor()
        {
        }

        public int Value { get; set; }

        public static HiddenConstructor Make() => new();
    }

    private sealed record WithInterface(string Name, IUnknown Inner);

    private sealed class WithDelegate
    {
        public Deep? Deeper { get; set; }

        public sealed class Deep
        {
            public Action? Action { get; set; }
        }
    }

    private sealed class Contradicting
    {
        [JsonPropertyName("same")]
        public int One { get; set; }

        [JsonPropertyName("same")]
        public int Other { get; set; }
    }

    private sealed class WithConverter
    {
        [JsonConverter(typeof(UnknownConverter))]
        public IUnknown? Inner { get; set; }
    }

    private sealed class WithIgnored
    {
        [JsonIgnore]
        public IUnknown? Inner { get; set; }

        public int Value { get; set; }
    }

    private sealed class ReadOnlyInterface
    {
        public string Name { get; init; } = string.Empty;

        public IUnknown? Inner { get; }
    }

    private sealed class UnknownConverter : JsonConverter<IUnknown>
    {
        public override IUnknown? Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(System.Text.Json.Utf8JsonWriter writer, IUnknown value, System.Text.Json.JsonSerializerOptions options) =>
            throw new NotSupportedException();
    }
}
